"""Blocks of JSON lines to batches by the native parser; odd lines among them are read one by one."""

from __future__ import annotations

import mmap
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dogwatch.events.batch import Batch
from dogwatch.events.blocks.extract import Extracted, extract
from dogwatch.events.blocks.learned import TELLING, Learned, Misfits, UnfitError
from dogwatch.events.blocks.lines import BlockLines
from dogwatch.events.blocks.merge import Assembler, OddRow
from dogwatch.events.blocks.parser import Parsed, Parser, ParserError, RowError
from dogwatch.events.blocks.raw import RawRows
from dogwatch.events.blocks.shape import Keys, Node, ShapeError
from dogwatch.events.blocks.source import BlockSource
from dogwatch.events.columns import ColumnPlan
from dogwatch.events.index import index_of
from dogwatch.events.readers.fortisiem import is_json
from dogwatch.events.readers.ndjson import FoundDocument, JsonLineError, action_of, decode_object, inside
from dogwatch.events.readers.pending import Decode, TextSource, tiebreak_of
from dogwatch.events.report import ReadReport
from dogwatch.events.units import Block

_MOST_REFUSALS = 8
"""Lines that the parser may refuse, one at a time, before a block is read line by line."""

_ODD_SHARE = 4
"""One line in so many may be odd; in a block with more, all are read one by one."""

_SAMPLE = 64
"""Lines that are looked at where a block has keys that none before it had."""

ReadLine = Callable[[bytes, int], Iterable[tuple[FoundDocument, Decode]]]
"""From a line that is not blank, and its number in the input, to its events."""

Numbers = npt.NDArray[np.int64]


class NativeReader:
    """Reads blocks natively; what it learns of one it uses for the next.

    Args:
        plan: The columns wanted.
        index: The data stream that the user named.

    Raises:
        UnfitError: The columns cannot be read natively.
    """

    def __init__(self, plan: ColumnPlan, index: str | None) -> None:
        if plan.null_slots:
            raise UnfitError("explicit nulls are values")
        self._index = index
        self._assembler = Assembler(plan, index)
        self._learned = Learned(self._assembler.needs)
        self._parser = Parser()

    def read(self, block: Block, view: mmap.mmap, data: bytes, read_line: ReadLine, report: ReadReport) -> Batch:
        """The events of a block.

        Args:
            block: The block.
            view: Its bytes, which are changed.
            data: A copy of them.
            read_line: Reads odd lines, and tells of those that hold no event.
            report: Counts lines and events, and what the columns lack.

        Raises:
            UnfitError: The block is better read line by line. Nothing was reported.
        """
        lines = BlockLines(data)
        found = self._learned.scan(data)
        if found.actions:
            raise UnfitError("actions decide about the lines behind them")
        blank, odd = _sorted_out(lines, found.suspects)
        job = _Job(block, view, lines, self._learned, self._parser)
        job.leave_out(blank)
        job.leave_out(odd, as_odd=True)
        if self._learned.is_surprised or self._learned.is_told:
            job.sample()
        extracted, native = job.parsed()
        return self._assembled(job, extracted, native, read_line, report)

    def _assembled(
        self, job: _Job, extracted: Extracted, native: Numbers, read_line: ReadLine, report: ReadReport
    ) -> Batch:
        job.odd |= set(native[extracted.odd].tolist())
        job.check()
        native = native[~extracted.odd]
        odd, texts = self._read_odd(job, read_line)
        keys = np.array([row.order for row in odd], np.int64)

        def source_over(native: Numbers) -> BlockSource:
            # An odd row stands behind the native rows of lines before its own, and the odd ones before it.
            places = np.searchsorted(native, keys) + np.arange(len(keys))
            return BlockSource(
                job.lines,
                job.block.file,
                job.block.first_line,
                np.sort(np.concatenate([native, keys])),
                texts,
                {row: place for place, row in enumerate(places.tolist())},
            )

        refused: list[int] = []

        def reread(rows: Sequence[int]) -> list[OddRow]:
            found: list[OddRow] = []
            for line in native[rows].tolist():
                try:
                    whole = decode_object(job.lines.text(line))
                except JsonLineError:
                    refused.append(line)
                else:
                    found.append(self._odd_row(inside(whole), whole.get("_index"), line))
            return found

        before = self._assembler.doubted.copy()
        batch = self._assembler.assemble(
            extracted.without_odd(), native, odd, reread, job.block.first_arrival, source_over(native), report
        )
        self._learned.learn(Misfits(lists=self._assembler.doubted - before), len(native))
        if refused:
            for line in refused:
                # To tell what is wrong with it: it holds no event.
                deque(read_line(job.lines.text(line), job.block.first_line + line), maxlen=0)
            native = np.setdiff1d(native, refused)
            batch = replace(batch, source=source_over(native))
        report.lines += len(native)
        report.events += batch.length
        return batch

    def _read_odd(self, job: _Job, read_line: ReadLine) -> tuple[list[OddRow], TextSource]:
        rows: list[OddRow] = []
        texts = TextSource()
        for line in sorted(job.odd):
            number = job.block.first_line + line
            for found, decode in read_line(job.lines.text(line), number):
                document, hit, _ = found
                texts.add(found, job.block.file, number, decode)
                rows.append(self._odd_row(document, hit.get("_index"), line))
        return rows, texts

    def _odd_row(self, document: dict[str, object], hit_index: object, line: int) -> OddRow:
        return OddRow(document, index_of(document, hit_index, self._index), tiebreak_of(document), line)


class _Job:
    """One block on its way through the parser: odd lines are blanked until it takes the rest."""

    def __init__(self, block: Block, view: mmap.mmap, lines: BlockLines, learned: Learned, parser: Parser) -> None:
        self.block = block
        self.lines = lines
        self.odd: set[int] = set()
        self._view = view
        self._learned = learned
        self._parser = parser
        self._left_out: set[int] = set()

    def leave_out(self, places: Iterable[int], *, as_odd: bool = False) -> None:
        """Keep lines from the parser."""
        starts = self.lines.starts
        for line in places:
            start, end = int(starts[line]), int(starts[line + 1]) - 1
            self._left_out.add(line)
            if as_odd:
                self._view[start:end] = b" " * (end - start)
                self.odd.add(line)

    def check(self) -> None:
        """See whether the odd lines may be read one by one among the others.

        Raises:
            UnfitError: They are too many, or decide about others.
        """
        if len(self.odd) * _ODD_SHARE > len(self.lines):
            raise UnfitError("most lines are odd")
        if any(_may_decide(self.lines.text(line)) for line in self.odd):
            raise UnfitError("actions decide about the lines behind them")

    def sample(self) -> None:
        """Learn from some of the lines.

        Raises:
            UnfitError: The parser cannot be asked for all that is wanted, or would give little.
        """
        documents = []
        for line in range(0, len(self.lines), max(1, len(self.lines) // _SAMPLE)):
            if line not in self._left_out:
                try:
                    documents.append(decode_object(self.lines.text(line)))
                except JsonLineError:
                    continue
        hits = sum(isinstance(document.get("_source"), dict) for document in documents)
        self._learned.take_hits((len(documents) - hits) * _ODD_SHARE <= len(documents) and hits > 0)
        told = 0 if self._learned.hits else sum(not TELLING.isdisjoint(document) for document in documents)
        if told * _ODD_SHARE > len(documents):
            raise UnfitError("too many lines hold their event inside")
        try:
            self._learned.learn_from(documents)
        except ShapeError as error:
            raise UnfitError(str(error)) from None

    def parsed(self) -> tuple[Extracted, Numbers]:
        """What the parser gives, and the line of each row of that.

        Raises:
            UnfitError: It does not take the lines.
        """
        refusals = 0
        while refusals <= _MOST_REFUSALS:
            self.check()
            native = np.delete(np.arange(len(self.lines)), list(self._left_out))
            if not len(native):
                return Extracted(RawRows(0, {}), np.zeros(0, np.bool_)), native
            try:
                shape = self._learned.shape()
                parsed = self._parser.parse(self.block.buffer.path, shape, self.block.size, len(self.lines))
            except (ShapeError, ParserError) as error:
                raise UnfitError(str(error)) from None
            except RowError as error:
                if error.row >= len(native):
                    raise UnfitError("the parser counts lines otherwise") from None
                refusals += 1
                self._take_out(int(native[error.row]), native, shape, all_of_them=refusals == 2)
                continue
            return self._agreed(parsed, shape, native), native
        raise UnfitError("the parser takes too few of the lines")

    def _agreed(self, parsed: Parsed, shape: Node, native: Numbers) -> Extracted:
        if parsed.rows != len(native):
            raise UnfitError("the parser sees other lines")
        return extract(parsed, shape, TELLING)

    def _take_out(self, refused: int, native: Numbers, shape: Node, *, all_of_them: bool) -> None:
        """Leave out a line that the parser refused, and find the others that it would."""
        found = {refused: Misfits()}
        for line in native.tolist() if all_of_them else ():
            misfits = Misfits()
            try:
                misfits.add(decode_object(self.lines.text(line)), shape)
            except JsonLineError:
                found[line] = Misfits()
            else:
                if misfits.values:
                    found[line] = misfits
        counts = sum((misfits.values for misfits in found.values()), Counter[Keys]())
        whole = self._learned.learn(Misfits(counts), len(native))
        self.leave_out(
            (line for line, each in found.items() if not each.values or each.values.keys() - whole), as_odd=True
        )


def _sorted_out(lines: BlockLines, suspects: list[int]) -> tuple[list[int], list[int]]:
    """The blank lines among those at some places, and the lines that the parser is not to see."""
    blank: list[int] = []
    odd = lines.deep()
    for line in lines.at(suspects):
        text = lines.text(line)
        if not text or text.isspace():
            blank.append(line)
        else:
            odd.append(line)
    return blank, odd


def _may_decide(line: bytes) -> bool:
    """Whether a line may be an action, or hold some."""
    if not is_json(line):
        return False
    try:
        return line.lstrip().startswith(b"[") or action_of(decode_object(line)) is not None
    except JsonLineError:
        return False
