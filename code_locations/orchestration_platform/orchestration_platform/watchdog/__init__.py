"""Checks from outside whether the processes that raise alarms are working."""
