//! Steps that ask somebody else to do it: what is said about a request, about statements.

use expect_test::expect;

use crate::problems;

#[test]
fn steps_that_ask_say_what_is_wrong_with_what_they_ask() {
    let text = "\
process: it
steps:
  - { http: ftp://x/, headers: { idempotency-key: mine } }
  - { http: 'https://x/', method: POST, redirects: 3 }
  - { http: 'http://far/', headers: { Authorization: Bearer $TOKEN }, secrets: [TOKEN] }
  - { sql: [delete from a, commit], url: mysql://x }
  - { sql: [vacuum, analyze], url: 'sqlite:x.db', alone: true }
verify: [{ command: ls, expect: stdout != \"\" }]
tell: { route: data-oncall }
";
    expect![[r#"
        error[bad-url]: this is not a URL of HTTP
          --> ops/it.yaml:3:13
          |
        3 |   - { http: ftp://x/, headers: { idempotency-key: mine } }
          |             ^^^^^^^^ help: begin it with http:// or https://
        error[reserved-header]: Idempotency-Key is set by us
          --> ops/it.yaml:3:34
          |
        3 |   - { http: ftp://x/, headers: { idempotency-key: mine } }
          |                                  ^^^^^^^^^^^^^^^ help: take it out; it is RUN/STEP, the same for all attempts
        warning[once-unsettled]: no check is about step `step-2`: if its end is not seen while later steps are open, a no cannot settle it
          --> ops/it.yaml:4:5
          |
        4 |   - { http: 'https://x/', method: POST, redirects: 3 }
          |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: write `of: step-2` on the check that looks at what it does
        error[redirect-acts]: a redirect of POST is not followed: it would become another request
          --> ops/it.yaml:4:52
          |
        4 |   - { http: 'https://x/', method: POST, redirects: 3 }
          |                                                    ^ help: name the last address itself, and take `redirects` out
        warning[secret-in-clear]: this secret goes over the net where everybody between can read it
          --> ops/it.yaml:5:54
          |
        5 |   - { http: 'http://far/', headers: { Authorization: Bearer $TOKEN }, secrets: [TOKEN] }
          |                                                      ^^^^^^^^^^^^^ help: write https://
        warning[once-unsettled]: no check is about step `step-4`: if its end is not seen while later steps are open, a no cannot settle it
          --> ops/it.yaml:6:5
          |
        6 |   - { sql: [delete from a, commit], url: mysql://x }
          |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: write `of: step-4` on the check that looks at what it does
        error[own-transaction]: all statements of a step are one transaction already
          --> ops/it.yaml:6:28
          |
        6 |   - { sql: [delete from a, commit], url: mysql://x }
          |                            ^^^^^^ help: take this one out
        error[bad-url]: this is not the URL of a database
          --> ops/it.yaml:6:42
          |
        6 |   - { sql: [delete from a, commit], url: mysql://x }
          |                                          ^^^^^^^^^ help: begin it with postgresql:// or sqlite:
        error[not-alone]: several statements are not alone
          --> ops/it.yaml:7:51
          |
        7 |   - { sql: [vacuum, analyze], url: 'sqlite:x.db', alone: true }
          |                                                   ^^^^^ help: write each of them as a step of its own
    "#]]
    .assert_eq(&problems(text));
}
