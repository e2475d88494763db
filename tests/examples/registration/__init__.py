"""User registration: a service that is a class, over plain objects, with a result of its own."""
