"""What must outlive the process: the ledger, the paid answers, and the folders people look into."""
