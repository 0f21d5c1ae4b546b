"""Who works on what, and who may send when."""
