"""Detection rules: their model, their files, their versions, and the library that comes with Dogwatch."""
