"""The protocol of a law: the members that its author writes, and those derived from them."""
