"""Everything that tests voxtrald, and the far side it is tested against."""
