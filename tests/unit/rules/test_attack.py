from dogwatch.rules.attack import Tactic, Technique, Threat, tactic_named, technique_ids, techniques_of


def test_tactics_by_name() -> None:
    assert tactic_named(" execution ") == Tactic("TA0002", "Execution", "https://attack.mitre.org/tactics/TA0002/")
    assert tactic_named("Hardware") is None


def test_bare_ids_are_gathered_under_their_techniques() -> None:
    found = techniques_of(("T1059.004", "T1059", "T1012", "T1059.004", "T1059.001"))
    assert [(each.id, [sub.id for sub in each.subtechniques]) for each in found] == [
        ("T1059", ["T1059.004", "T1059.001"]),
        ("T1012", []),
    ]


def test_the_most_exact_ids_stand_for_a_rule() -> None:
    tactic = Tactic("TA0002", "Execution", "")
    threat = Threat("MITRE ATT&CK", tactic, (*techniques_of(("T1059.004",)), Technique("T1204", "", "")))
    assert technique_ids((threat, threat)) == ("T1059.004", "T1204")
