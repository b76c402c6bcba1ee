"""The service on Ray Serve: replicas on one machine or many, behind Ray's proxies."""
