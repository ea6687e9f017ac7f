"""The ground floor: diagnostics, places, time, text. Imports nothing else of the project."""
