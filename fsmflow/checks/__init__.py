"""What a reviewer would catch in a flow: rules, the trial that they look at, and what they find.

`catalogue` holds every rule; `review` runs them over targets; `findings` says what was found, for people and for CI.
"""
