"""One module for each question; each gives a sheet."""
