"""Order processing: stock falls, the total is right, or nothing happened."""
