"""The files a person writes, read into values: every fault is found at once, and each says where it is."""
