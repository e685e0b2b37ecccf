"""What runs models: vinoc itself, and others where they are installed, behind one face."""
