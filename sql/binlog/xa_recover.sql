/* ardso check */
XA RECOVER
