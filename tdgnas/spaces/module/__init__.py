"""A space made of an ``nn.Module`` of your own with choices in it."""

from .space import ModuleSpace, from_module

__all__ = ["ModuleSpace", "from_module"]
