"""What only Mistral's service has: its models, and its store of uploaded files."""
