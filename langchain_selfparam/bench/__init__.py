"""What ``selfparam bench`` times: this engine, the naive loops it is compared with, and the machine itself."""
