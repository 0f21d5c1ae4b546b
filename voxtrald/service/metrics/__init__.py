"""Figures for a monitoring system, and the pages it reads them from."""
