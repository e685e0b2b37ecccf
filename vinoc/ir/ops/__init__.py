"""The operations, a family a module. Importing this package declares them all."""

from . import elementwise
