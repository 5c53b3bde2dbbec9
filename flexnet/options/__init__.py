"""What networks, layers and attacks accept, without torch: one place for modules and configuration."""
