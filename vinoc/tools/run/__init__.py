"""`vinoc run`: one inference, from files to results that people read."""
