"""The private house: a whole installation of mtagw on loopback, made for `make run` and the system tests."""
