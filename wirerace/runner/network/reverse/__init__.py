"""Reverse proxies before the server: nginx, HAProxy and Caddy, each a module and its configurations beside it."""
