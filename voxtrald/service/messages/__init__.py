"""Messages and scripts: what people who asked for it are told about recordings and about work that is held."""
