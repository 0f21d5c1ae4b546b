"""What engines over HTTP share: sessions, open requests, and answers read as values."""
