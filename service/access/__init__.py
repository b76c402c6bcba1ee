"""Who may come in: API keys, what each of them may do, and who sends a request."""
