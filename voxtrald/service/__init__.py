"""What an operator sees: the state of the work, and what is wrong with the machine."""
