from __future__ import annotations

from dogwatch.events.linux_audit.entity import EntityTracker, ProcessFacts, ProcessIdentity
from dogwatch.events.linux_audit.event import EventKey
from dogwatch.events.report import ReadReport

NC = ProcessFacts(pid=200, parent=100, login="1000", session="3", call="execve", success=True, result=0)
SHELL = NC._replace(pid=100, parent=50)


def fork(parent: ProcessFacts, child: int, *, call: str = "clone", flags: int = 0) -> ProcessFacts:
    return parent._replace(call=call, result=child, flags=flags)


class Told:
    """A tracker told one event after the other, each with its own serial."""

    def __init__(self, limit: int = 100) -> None:
        self.report = ReadReport()
        self.tracker = EntityTracker(self.report, limit=limit)
        self.serial = 0

    def __call__(
        self, facts: ProcessFacts, *, time: int = 5, host: str = "", partition: str = ""
    ) -> ProcessIdentity:
        self.serial += 1
        return self.tracker.follow(EventKey(time, self.serial, host, partition), facts)


def test_a_program_and_its_connections_are_one_entity() -> None:
    tell = Told()
    assert tell(NC) == tell(NC._replace(call="connect", success=False, result=None)) == tell(NC)


def test_the_parent_is_named_when_it_is_known() -> None:
    tell = Told()
    assert tell(NC).parent is None
    shell = tell(SHELL).entity
    assert tell(NC).parent == shell


def test_another_login_session_or_parent_is_another_process() -> None:
    for other in (NC._replace(login="1001"), NC._replace(session="4"), NC._replace(parent=101)):
        tell = Told()
        assert tell(NC).entity != tell(other).entity


def test_an_orphan_stays_itself() -> None:
    tell = Told()
    shell = tell(SHELL).entity
    first = tell(NC)
    orphan = tell(NC._replace(parent=1))
    assert orphan.entity == first.entity
    assert (first.parent, orphan.parent) == (shell, None)
    assert tell(NC) == first


def test_an_event_that_does_not_name_the_parent_belongs_to_the_process() -> None:
    tell = Told()
    first = tell(NC._replace(parent=None)).entity
    assert tell(NC).entity == first
    assert tell(NC._replace(parent=None)).entity == first
    assert tell(NC._replace(parent=7)).entity != first


def test_an_event_that_names_the_pid_alone_belongs_to_the_process() -> None:
    denial = ProcessFacts(pid=200, parent=None, login=None, session=None)
    tell = Told()
    assert tell(NC) == tell(denial) == tell(NC)
    tell = Told()
    first = tell(denial).entity
    assert tell(NC).entity == first
    assert tell(NC._replace(session="4")).entity != first


def test_the_end_of_a_process_frees_its_pid() -> None:
    tell = Told()
    first = tell(NC).entity
    assert tell(NC._replace(call="exit_group")).entity == first
    assert tell(NC).entity != first


def test_a_thread_that_ends_does_not_end_the_process() -> None:
    tell = Told()
    assert tell(NC._replace(call="exit")) == tell(NC)


def test_a_fork_begins_a_new_process_under_the_same_pid() -> None:
    for call in ("fork", "vfork", "clone", "clone3"):
        tell = Told()
        old = tell(NC, time=4).entity
        shell = tell(fork(SHELL, 200, call=call)).entity
        new = tell(NC)
        assert new.entity != old
        assert new.parent == shell
        assert tell(NC._replace(call="connect")) == new


def test_a_child_that_spoke_before_its_fork_was_numbered_stays_itself() -> None:
    tell = Told()
    child = tell(NC, time=5).entity
    shell = tell(fork(SHELL, 200), time=5).entity
    assert tell(NC, time=6) == ProcessIdentity(child, shell)


def test_a_child_that_is_older_than_the_fork_is_another_process() -> None:
    tell = Told()
    old = tell(NC, time=4).entity
    tell(fork(SHELL, 200), time=5)
    assert tell(NC, time=6).entity != old


def test_a_new_thread_a_failed_fork_and_a_number_of_another_namespace_begin_nothing() -> None:
    for event in (
        fork(SHELL, 200, flags=0x50F00),
        fork(SHELL, 200)._replace(success=False),
        fork(SHELL._replace(pid=999), 200),
    ):
        tell = Told()
        first = tell(NC, time=4).entity
        tell(event)
        assert tell(NC).entity == first


def test_hosts_and_directories_are_kept_apart() -> None:
    tell = Told()
    ids = {tell(NC, host="a").entity, tell(NC, host="b").entity, tell(NC, partition="x").entity}
    assert len(ids) == 3
    assert tell(NC, host="c").entity != tell(NC._replace(pid=201), host="c").entity


def test_the_directory_is_not_part_of_the_id() -> None:
    one, other = Told(), Told()
    assert one(NC, partition="x") == other(NC, partition="y")


def test_the_table_is_bounded_and_forgets_the_longest_unheard() -> None:
    tell = Told(limit=2)
    first = tell(NC).entity
    second = tell(NC._replace(pid=201)).entity
    assert tell(NC).entity == first
    tell(NC._replace(pid=202))
    assert tell.report.problems == {"audit-entity-evicted": 1}
    assert tell(NC).entity == first
    assert tell(NC._replace(pid=201)).entity != second


def test_births_are_bounded_too() -> None:
    tell = Told(limit=2)
    for child in range(300, 310):
        tell(fork(SHELL, child))
    assert len(tell.tracker._births) == 2
