"""Speed and memory, one command a file. Nothing here decides what is right, and nothing imports it."""
