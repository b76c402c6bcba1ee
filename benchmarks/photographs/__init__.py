"""Benchmarks of photographs: throughput, memory, codecs, latency of requests beside them."""
