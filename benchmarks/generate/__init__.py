"""Events and rules for measurements, the same wherever they are made from the same seed.

They are here and not in the package: they imitate the shape and the proportions of real data so that rates mean
something, and somebody who tests rules wants events that mean something.
"""
