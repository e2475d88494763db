"""Small systems, written as those who use the kernel would write them."""
