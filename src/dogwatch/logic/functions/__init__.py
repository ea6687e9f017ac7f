"""The functions that expressions may call: names, arguments and results, apart from any language or engine.

A language maps its own spelling to a name here (``languages/<language>/functions.py``); the engine gives
each name its behaviour (``engine/reference/functions.py``).
"""

from dogwatch.logic.functions.signature import FUNCTIONS, Parameter, Signature, ValueKind

__all__ = ["FUNCTIONS", "Parameter", "Signature", "ValueKind"]
