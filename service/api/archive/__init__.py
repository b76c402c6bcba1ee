"""Several photographs of any sizes in one request, answered one after another as each is done."""
