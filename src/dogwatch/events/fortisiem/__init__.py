"""FortiSIEM events: their attributes in any document, and as documents of the Elastic Common Schema."""

from dogwatch.events.fortisiem.attributes import attribute_values
from dogwatch.events.fortisiem.ecs import to_ecs

__all__ = ["attribute_values", "to_ecs"]
