"""What a law is: the members that its author writes, and what is derived from them."""
