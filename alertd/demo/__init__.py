"""The whole chain on one machine: what `alertd demo` starts, breaks and shows. Everything listens on loopback only."""
