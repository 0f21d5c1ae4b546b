"""The daemon as a service of systemd: what the manager is told, and how the service is set up."""
