"""What is found out, one folder a study; none imports another. What two need belongs in a room below."""
