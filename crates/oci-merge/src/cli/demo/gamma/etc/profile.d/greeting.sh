# Read by every login shell.
export GREETING="gamma is installed"
