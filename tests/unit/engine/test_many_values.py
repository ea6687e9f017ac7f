"""A leaf over several many-valued fields looks at a bounded number of combinations, on both evaluators."""

from __future__ import annotations

import time

from dogwatch.engine.plan import Plan
from dogwatch.engine.reference import evaluate
from dogwatch.events.readers import documents_to_batches
from dogwatch.logic.predicate import Call, Field, Truth
from dogwatch.schema.field import FieldRef, FieldType

NAME = FieldRef("process.name", FieldType.KEYWORD)
ARGS = FieldRef("process.args", FieldType.KEYWORD)
ENDS = Truth(Call("ends_with", (Field(NAME), Field(ARGS))))


def test_hostile_lists_cost_little_and_both_evaluators_agree() -> None:
    names, args = [f"n{n}" for n in range(3000)], [f"a{n}" for n in range(3000)]
    document = {"process": {"name": names, "args": args}}
    plan = Plan([ENDS])
    (batch,) = documents_to_batches([document], plan.fields)
    start = time.process_time()
    (mask,) = plan.evaluate(batch)
    reference = evaluate(ENDS, lambda ref: names if ref == NAME else args)
    # Nine million combinations would take many seconds.
    assert time.process_time() - start < 5
    assert (bool(mask[0]), reference) == (False, False)


def test_a_match_among_the_first_combinations_is_found() -> None:
    document = {"process": {"name": ["nc"], "args": ["x", "c"]}}
    plan = Plan([ENDS])
    (batch,) = documents_to_batches([document], plan.fields)
    (mask,) = plan.evaluate(batch)
    assert bool(mask[0])
