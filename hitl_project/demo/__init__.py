"""The demonstration organisation: a shop for home goods, its people, its texts and thirty days of its history."""
