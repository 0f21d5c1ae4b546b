"""The output formats, one module each; every module here is found by itself."""
