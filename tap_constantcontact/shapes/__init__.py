"""How a thing is read: each shape is one way of reading."""
