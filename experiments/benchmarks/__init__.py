"""Speed and memory, and numbers that show that a part works: one command a file.

Nothing here decides what is right, and nothing imports it.
"""
