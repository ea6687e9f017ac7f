"""Measurements that answer one stated question each; none of them is part of the package."""
