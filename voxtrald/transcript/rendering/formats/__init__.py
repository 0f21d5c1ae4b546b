"""The output formats, one module each, named as `output.formats` names it; every module here is found by itself."""
