"""The unit tests that a reader of the book, at the end of its chapter 6, comes with.

Same names, signatures and cases as there; only what they import is elsewhere.
Nothing here knows more of the code than the book does, and so it must stay.
"""
