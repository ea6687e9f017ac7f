"""What FortiSIEM rules refer to, from files: groups, lookup tables, watch lists, limits, profiles, exceptions."""

from dogwatch.rules.resources.resource_set import NO_RESOURCE_SET, ResourceSet

__all__ = ["NO_RESOURCE_SET", "ResourceSet"]
