"""MITRE ATT&CK as rules quote it: tactics and techniques with their ids, names and links."""

from __future__ import annotations

from dataclasses import dataclass

FRAMEWORK = "MITRE ATT&CK"

_SITE = "https://attack.mitre.org"


@dataclass(frozen=True, slots=True)
class Tactic:
    """What an adversary wants to reach: ``TA0002``, Execution.

    Attributes:
        id: The framework's id.
        name: The framework's name.
        reference: The tactic's page.
        description: What the rule's author says of it.
    """

    id: str
    name: str
    reference: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Technique:
    """How it is reached: ``T1059``, with the sub-techniques that the rule names.

    Attributes:
        id: ``T1059``, or ``T1059.004`` for a sub-technique.
        name: The framework's name; empty where the rule's format carries ids only.
        reference: The technique's page.
        subtechniques: Those of this technique that the rule is about.
        description: What the rule's author says of it.
    """

    id: str
    name: str
    reference: str
    subtechniques: tuple[Technique, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Threat:
    """One tactic, and the techniques under it that a rule detects."""

    framework: str
    tactic: Tactic
    techniques: tuple[Technique, ...] = ()


_TACTIC_IDS = {
    "Reconnaissance": "TA0043",
    "Resource Development": "TA0042",
    "Initial Access": "TA0001",
    "Execution": "TA0002",
    "Persistence": "TA0003",
    "Privilege Escalation": "TA0004",
    "Defense Evasion": "TA0005",
    "Credential Access": "TA0006",
    "Discovery": "TA0007",
    "Lateral Movement": "TA0008",
    "Collection": "TA0009",
    "Command and Control": "TA0011",
    "Exfiltration": "TA0010",
    "Impact": "TA0040",
}


def tactic_named(name: str) -> Tactic | None:
    """The enterprise tactic of that name, without regard to case, or ``None`` if it names none."""
    wanted = name.strip().lower()
    for known, tactic_id in _TACTIC_IDS.items():
        if known.lower() == wanted:
            return Tactic(tactic_id, known, f"{_SITE}/tactics/{tactic_id}/")
    return None


def technique_page(technique_id: str) -> str:
    """The address of a technique's or sub-technique's page.

    Examples:
        >>> technique_page("T1059.004")
        'https://attack.mitre.org/techniques/T1059/004/'
    """
    return f"{_SITE}/techniques/{technique_id.replace('.', '/')}/"


def techniques_of(ids: tuple[str, ...]) -> tuple[Technique, ...]:
    """Techniques from bare ids, sub-techniques gathered under their techniques; names stay empty."""
    children: dict[str, list[str]] = {}
    for technique_id in ids:
        parent = technique_id.partition(".")[0]
        below = children.setdefault(parent, [])
        if technique_id != parent and technique_id not in below:
            below.append(technique_id)
    return tuple(
        Technique(
            parent,
            "",
            technique_page(parent),
            tuple(Technique(child, "", technique_page(child)) for child in below),
        )
        for parent, below in children.items()
    )


def technique_ids(threat: tuple[Threat, ...]) -> tuple[str, ...]:
    """The most exact ids that a rule names, in order: a sub-technique stands for its technique."""
    ids: dict[str, None] = {}
    for entry in threat:
        for technique in entry.techniques:
            for exact in technique.subtechniques or (technique,):
                ids[exact.id] = None
    return tuple(ids)
