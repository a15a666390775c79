"""Runs scripts in the load / eval / expect language in which PromQL's meaning is pinned down."""
